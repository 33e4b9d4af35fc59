"""ADBC from PostgreSQL to Parquet: `SOURCE FILE`. Its driver reads by COPY BINARY, and gives decimals as text."""

from __future__ import annotations

import sys

import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi


def main(source: str, file: str) -> None:
    """Read the table in order of its key and write each batch as it comes."""
    with dbapi.connect(source) as connection, connection.cursor() as cursor:
        cursor.execute("select * from student order by xh")
        reader = cursor.fetch_record_batch()
        with pq.ParquetWriter(file, reader.schema, compression="zstd", compression_level=1) as writer:
            for batch in reader:
                writer.write_batch(batch)


if __name__ == "__main__":
    main(*sys.argv[1:])
