-- What was asked about a payment method or a business identity under one externalRef,
-- and what came of it. It is written before anybody is asked, so that a server that
-- dies between asking and storing asks again under the same reference.

-- +goose Up

create table verification (
	tenant_id  bigint not null,
	contact_id bytea  not null,
	id         bytea  not null, -- what a verifier knows it by
	ref        text   not null, -- externalRef, unique in the book
	subject    text   not null, -- payment, or the identity: pan, cin, gstin, tan, udyam
	payment_id bytea  not null, -- of the payment method; zeros for an identity
	number     text   not null, -- the identity's number as it was asked about; '' for a payment method
	order_id   text   not null, -- poolReferenceId
	outcome    text   not null, -- the final statuscode; '' while it is pending
	answer     text   not null, -- the final reply's data in JSON; '' for none
	verifier   text   not null, -- whom was asked
	asks       bigint not null, -- that may have reached the verifier
	created    bigint not null,
	updated    bigint not null,
	primary key (tenant_id, contact_id, id),
	foreign key (tenant_id, contact_id) references contact (tenant_id, id) on delete cascade
);
create unique index verification_ref on verification (tenant_id, ref);
create unique index verification_id on verification (tenant_id, id); -- for a verifier that answers later

-- What the last verification that succeeded said of a payment method. The defaults
-- are for servers of the schema before, which go on adding methods until they are replaced.
alter table payment add column verified_at bigint not null default 0; -- 0: never
alter table payment add column verified_by text not null default ''; -- the verifier
alter table payment add column name_at_bank text not null default '';
alter table payment add column match_score bigint not null default 0; -- 0 to 100
