"""Events the moment they happen: taken in, kept, scored. See docs/instant.md."""
