{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- What a fund holds of each equity, all lines of the security together.
select
    fund,
    as_of,
    security_id,
    sum(weight) as weight
from {{ ref('holdings') }}
where holdings_class = 'equity'
group by fund, as_of, security_id
