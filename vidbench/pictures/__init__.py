"""What pictures of results show, whoever draws them."""
