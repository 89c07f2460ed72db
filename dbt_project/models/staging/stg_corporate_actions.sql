with known as (
    {{ last_known(
        source('raw', 'corporate_actions'),
        key=['symbol', 'ex_date', 'kind'],
        columns=['symbol', 'ex_date', 'kind', 'value']
    ) }}
)

select
    symbol,
    ex_date,
    kind,
    value,
    observed_at,
    document_id
from known
where value <> 0  -- zero cancels an action
