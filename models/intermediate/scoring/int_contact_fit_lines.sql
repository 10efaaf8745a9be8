{{ fit_lines("contact") }}
