"""Videos, with yt-dlp."""
