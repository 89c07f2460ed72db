"""The Arrow schema of a Parquet file: what each column means, and that pandas reads dates as timestamps.

Parquet has no place for the meaning of a column. Arrow readers look for a schema of their own in the footer, under
`ARROW:schema`; other readers ignore it. pyarrow could write it, but is large and needed for nothing else.
"""

import base64
import json
from collections.abc import Mapping


def arrow_schema(columns: Mapping[str, tuple[str, str]], metadata: Mapping[str, str]) -> str:
    """The value of the footer's key `ARROW:schema`: types and descriptions of the columns, as base64.

    Args:
        columns: type (one of BI_TYPES) and meaning by column.
        metadata: of the table. Arrow readers see it instead of the footer's other keys.
    """
    import nanoarrow

    kinds = {
        "BOOLEAN": nanoarrow.bool_(),
        "INTEGER": nanoarrow.int32(),
        "BIGINT": nanoarrow.int64(),
        "DOUBLE": nanoarrow.float64(),
        "VARCHAR": nanoarrow.string(),
        "DATE": nanoarrow.date32(),
        "TIMESTAMP": nanoarrow.timestamp("us"),
    }
    fields = {name: nanoarrow.Schema(kinds[kind], metadata={"description": meaning}) for name, (kind, meaning) in columns.items()}
    dates = [name for name, (kind, _) in columns.items() if kind == "DATE"]
    schema = nanoarrow.Schema(nanoarrow.struct(fields), metadata={**metadata, "pandas": _for_pandas(dates)})
    return base64.b64encode(schema.serialize()).decode()


def _for_pandas(dates: list[str]) -> str:
    """pandas has no date: it would read Python objects, without `.dt`, resampling or a time axis.

    The key is in the Arrow schema only. fastparquet would look for it in the footer and fail, as it does not know this type.
    """
    described = [
        {"name": name, "field_name": name, "pandas_type": "date", "numpy_type": "timestamp[us][pyarrow]", "metadata": None}
        for name in dates
    ]
    return json.dumps({"index_columns": [], "columns": described})
