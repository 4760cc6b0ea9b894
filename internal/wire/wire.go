// Package wire holds the manners of the Contact Book wire contract: the nine-key
// envelope, its codes and messages, problem details, Indian time, record ids,
// ipay_uuid and strict JSON decoding. It knows nothing of contacts or databases.
package wire
