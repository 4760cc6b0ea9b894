package sandbox

// reset empties the caller's book: contacts with all below them, and tags.
func (s *Service) reset(c *Call, _ *none) (any, error) {
	erased := int64(0)
	err := c.Book.Empty(c.Context, func(contacts int64) { erased += contacts })
	if err != nil {
		return nil, err
	}
	return struct {
		Contacts int64 `json:"contacts"`
	}{erased}, nil
}
