select *
from {{ source('raw', 'holdings') }}
{{ where_known() }}
