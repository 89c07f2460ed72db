{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
{{ counted_members(1) }}
