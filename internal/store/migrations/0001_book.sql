-- One text for SQLite, PostgreSQL and Citus. Every key starts with tenant_id =
-- user_id * 2 + (1 for SANDBOX), so that Citus can shard by it. Ids are 12
-- bytes, times are unix milliseconds; both are made by the server.

-- +goose Up

create table setting (
	name  text not null primary key,
	value text not null
);

create table client (
	client_id   text    not null primary key,
	user_id     bigint  not null,
	sandbox     boolean not null,
	name        text    not null,
	secret_hash bytea   not null,
	old_hash    bytea   not null, -- the secret before the last rotation, accepted until old_until
	old_until   bigint  not null,
	allow_ips   text    not null, -- CIDRs with blanks between; none: any address
	lenient     boolean not null,
	enabled     boolean not null,
	revoked     boolean not null,
	created     bigint  not null,
	updated     bigint  not null
);

create table tag (
	tenant_id      bigint not null,
	id             bytea  not null,
	name           text   not null,
	name_key       text   not null, -- folded: one name per tenant, whatever its case
	hex_color_code text   not null,
	created        bigint not null,
	updated        bigint not null,
	primary key (tenant_id, id)
);
create unique index tag_name on tag (tenant_id, name_key);

-- The hot table: nothing random is written for an add but this one key. Tag ids
-- stand inside the row, 12 bytes each; one whose tag is gone is dropped on reading.
create table contact (
	tenant_id    bigint not null,
	id           bytea  not null,
	name         text   not null,
	email        text   not null,
	mobile       text   not null,
	calling_code text   not null,
	company_name text   not null,
	tag_ids      bytea  not null,
	created      bigint not null,
	updated      bigint not null,
	primary key (tenant_id, id)
);

-- A child is named by its contact and its id, so one key serves both the list
-- and the lookup.
create table person (
	tenant_id    bigint not null,
	contact_id   bytea  not null,
	id           bytea  not null,
	name         text   not null,
	email        text   not null,
	mobile       text   not null,
	calling_code text   not null,
	description  text   not null,
	created      bigint not null,
	updated      bigint not null,
	primary key (tenant_id, contact_id, id),
	foreign key (tenant_id, contact_id) references contact (tenant_id, id) on delete cascade
);

create table address (
	tenant_id    bigint not null,
	contact_id   bytea  not null,
	id           bytea  not null,
	address_type text   not null,
	address      text   not null,
	city         text   not null,
	state        text   not null,
	pincode      text   not null,
	country_code text   not null,
	created      bigint not null,
	updated      bigint not null,
	primary key (tenant_id, contact_id, id),
	foreign key (tenant_id, contact_id) references contact (tenant_id, id) on delete cascade
);

-- One business record a contact.
create table business (
	tenant_id      bigint  not null,
	contact_id     bytea   not null,
	id             bytea   not null,
	pan            text    not null,
	pan_verified   boolean not null,
	cin            text    not null,
	cin_verified   boolean not null,
	gstin          text    not null,
	gstin_verified boolean not null,
	tan            text    not null,
	tan_verified   boolean not null,
	udyam          text    not null,
	udyam_verified boolean not null,
	created        bigint  not null,
	updated        bigint  not null,
	primary key (tenant_id, contact_id),
	foreign key (tenant_id, contact_id) references contact (tenant_id, id) on delete cascade
);

create table payment (
	tenant_id        bigint  not null,
	contact_id       bytea   not null,
	id               bytea   not null,
	account_type     text    not null,
	account_number   text    not null, -- a VPA and a wallet's phone number stand here too
	calling_code     text    not null, -- of a wallet's phone number
	account_ifsc     text    not null,
	beneficiary_name text    not null,
	is_primary       boolean not null,
	is_verified      boolean not null,
	created          bigint  not null,
	updated          bigint  not null,
	primary key (tenant_id, contact_id, id),
	foreign key (tenant_id, contact_id) references contact (tenant_id, id) on delete cascade
);
create unique index payment_primary on payment (tenant_id, contact_id) where is_primary;
