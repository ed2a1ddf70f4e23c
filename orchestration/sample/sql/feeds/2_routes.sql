-- One feed for each record. What one subscriber uses of one service comes from one of them, but for
-- what that one could not say.
create table routed as
select
    usage_truth.*,
    feed_choices.feeds[
        1 + pick(len(feed_choices.feeds), 'feed', usage_truth.identifier, usage_truth.service)
    ] as feed,
from usage_truth
join feed_choices
    using (service, direction, serving_network, is_repeated_reading, has_no_seconds);

-- Only the house's own nodes send records again.
delete from routed
where kind = 'duplicate' and feed <> 'usage';

create or replace table deliveries as
select deliveries.* replace (routed.feed as feed)
from deliveries
join routed
    on
        deliveries.node = routed.house_node
        and deliveries.record_date = routed.record_date
        and deliveries.record_number = routed.record_number
        and deliveries.delivery_date = routed.delivery_date;

drop table usage_truth;
