{{ fit_ranges("account") }}
