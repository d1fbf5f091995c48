"""The database: alone knows SQLAlchemy."""
