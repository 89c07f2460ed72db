"""Between the engines and polars, for DuckDB without pyarrow, which is large and needed for nothing else."""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import duckdb
import polars as pl

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Relation: TypeAlias = "duckdb.DuckDBPyRelation | DataFrame"


class ArrowStream:
    """A frame as nothing but an Arrow stream: DuckDB reads that by itself, and a polars frame only with pyarrow's help."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def frame_of(relation: Relation) -> pl.DataFrame:
    """A query's result as a frame."""
    if isinstance(relation, duckdb.DuckDBPyRelation):
        return pl.DataFrame(relation)
    return cast(pl.DataFrame, pl.from_arrow(relation.toArrow()))


def relation_of(frame: pl.DataFrame, session: Any) -> Any:
    """A frame as the result of a dbt Python model: for Spark's session a DataFrame, for DuckDB something that it reads."""
    return session.createDataFrame(frame.to_arrow()) if hasattr(session, "createDataFrame") else ArrowStream(frame)
