{{ fit_ranges("contact") }}
