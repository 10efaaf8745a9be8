"""SOQL: text -> syntax tree (``parser``) -> SQLite (``compiler``)."""
