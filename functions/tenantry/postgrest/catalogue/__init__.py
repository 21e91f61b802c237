"""What a tenant's database exposes: tables, columns, keys, relationships and functions, as PostgREST finds them.

Begin with `model.py`. `data_api/catalogue_reader.py` reads the catalogue from PostgreSQL.
"""
