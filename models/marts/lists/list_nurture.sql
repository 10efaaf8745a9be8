{{ list_members("list_nurture") }}
