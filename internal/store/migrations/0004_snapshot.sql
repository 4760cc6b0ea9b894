-- Copies of SANDBOX books, by name. A copy is a row for each part of it.

-- +goose Up

create table snapshot (
	tenant_id bigint not null,
	id        bytea  not null,
	name      text   not null,
	part      bigint not null, -- from 0
	records   bigint not null, -- in the whole copy
	data      bytea  not null,
	created   bigint not null,
	updated   bigint not null,
	primary key (tenant_id, id)
);
create unique index snapshot_part on snapshot (tenant_id, name, part);
