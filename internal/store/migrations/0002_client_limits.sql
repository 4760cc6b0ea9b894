-- What each server lets a client do; 0: no limit. The defaults are for servers of
-- the schema before, which go on creating clients until they are replaced.

-- +goose Up

alter table client add column rate_limit bigint not null default 0; -- requests a second
alter table client add column burst bigint not null default 0; -- requests at once after a rest
alter table client add column max_in_flight bigint not null default 0; -- requests at a time
