package client

import (
	"context"
	"net/http"
	"time"
)

// Tag is a coloured name that contacts carry.
type Tag struct {
	ID           string    `json:"_id"`
	UserID       int64     `json:"userId"` // whose book it is in; 0 in a list of tags
	Name         string    `json:"name"`
	HexColorCode string    `json:"hexColorCode"` // as #RRGGBB
	UpdatedAt    time.Time `json:"updated_at"`   // to the millisecond; zero in a list of tags
	CreatedAt    time.Time `json:"created_at"`   // likewise
}

// TagInput is what a tag is made of. Both fields are mandatory.
type TagInput struct {
	Name         string `json:"name"`         // at most 100 characters; unique in the book, compared without case
	HexColorCode string `json:"hexColorCode"` // # and six hex digits, such as #FF1934
}

// TagService is the calls about tags.
type TagService struct{ c *core }

const tagPath = "/contacts/tag"

// Add adds a tag. ErrDuplicate when the book has one of that name.
func (s *TagService) Add(ctx context.Context, in TagInput) (*Tag, error) {
	return fetch[Tag](ctx, s.c, &call{method: http.MethodPost, path: tagPath, input: in})
}

// List returns all tags of the book, oldest first, without their dates.
func (s *TagService) List(ctx context.Context) ([]Tag, error) {
	return list[Tag](ctx, s.c, &call{method: http.MethodGet, path: tagPath, again: true})
}

// Update gives a tag another name and colour. ErrNotFound when there is no such
// tag, ErrDuplicate when another one has that name.
func (s *TagService) Update(ctx context.Context, id string, in TagInput) error {
	return s.c.run(ctx, &call{method: http.MethodPatch, path: tagPath, again: true, input: struct {
		ID string `json:"tagId"`
		TagInput
	}{id, in}})
}

// Delete deletes a tag and takes it off its contacts. ErrNotFound when there is
// no such tag.
func (s *TagService) Delete(ctx context.Context, id string) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: tagPath, again: true, input: struct {
		ID string `json:"tagId"`
	}{id}})
}
