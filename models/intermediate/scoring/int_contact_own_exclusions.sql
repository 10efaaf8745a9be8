{{ fit_exclusions("contact") }}
