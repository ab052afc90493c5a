"""Opens what a user names as feeds: files, folders and archives, as the documents that feed readers take."""
