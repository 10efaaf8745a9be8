{{ fit_lines("account") }}
