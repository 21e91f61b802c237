"""What a tenant's database has to offer: tables, columns, keys, relationships and functions, as PostgREST finds them.

Begin with `model.py`. Reading it from PostgreSQL is `data_api/catalogue_reader.py`.
"""
