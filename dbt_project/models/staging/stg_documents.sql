select
    document_id,
    path,
    vendor,
    kind,
    symbol,
    as_of,
    retrieved_at,
    rows_accepted,
    rows_rejected,
    rows_quarantined,
    status,
    rule,
    reason
from {{ source('raw', 'documents') }}
{% if var('known_at') -%} where retrieved_at <= cast('{{ var("known_at") }}' as timestamp) {%- endif %}
