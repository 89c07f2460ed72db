{{ last_known(
    source('raw', 'fund_facts'),
    key=['fund', 'fact', 'as_of', 'vendor'],
    columns=['fund', 'fact', 'vendor', 'value_number', 'value_text', 'unit', 'as_of']
) }}
