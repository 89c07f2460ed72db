select
    signal || '.' || parameter as parameter,
    signal,
    parameter as name,
    value,
    unit,
    meaning
from {{ ref('signal_parameters') }}
