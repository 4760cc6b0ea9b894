-- Clients that a SANDBOX client makes for a while, each with a book of its own.
-- The defaults say that a client was made by an operator and does not end.

-- +goose Up

alter table client add column parent text not null default ''; -- the client that made it
alter table client add column expires bigint not null default 0; -- when it ends; 0: never
create index client_expires on client (expires) where expires > 0;
