"""Between DuckDB and polars without pyarrow, which is large and needed for nothing else."""

import duckdb
import polars as pl


class ArrowStream:
    """A frame as nothing but an Arrow stream: DuckDB reads that by itself, and a polars frame only with pyarrow's help."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def frame_of(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """A query's result as a frame."""
    return pl.DataFrame(relation)
