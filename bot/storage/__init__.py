"""The database: engines, tables, migrations, transactions."""
