{{ last_known(source('raw', 'rates'), key=['series', 'date'], columns=['series', 'date', 'value'], revisions=true) }}
