{{ fit_exclusions("account") }}
