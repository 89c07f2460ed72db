{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['restatement']}) }}
{% set p = signal_parameters('restatement', ['settling_sessions', 'price_tolerance', 'volume_tolerance']) -%}
-- Bars not retrieved again since they settled: the vendor still corrects volumes for some sessions after the close.
with settled as (
    select
        session,
        lead(closes_at, {{ p.settling_sessions | int }}) over (order by session) as settled_at
    from {{ ref('stg_sessions') }}
),

newest_documents as (
    select
        symbol,
        max(retrieved_at) as retrieved_at
    from {{ ref('stg_documents') }}
    where kind = 'prices' and status = 'accepted'
    group by symbol
)

select
    bars.symbol,
    bars.session,
    bars.observed_at,
    settled.settled_at
from {{ ref('stg_price_bars') }} as bars
inner join settled on bars.session = settled.session
inner join newest_documents on bars.symbol = newest_documents.symbol
where newest_documents.retrieved_at < settled.settled_at
