{{ list_members("list_offer_meeting") }}
