module devspace.test/pause

go 1.26
