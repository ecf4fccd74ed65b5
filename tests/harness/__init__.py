"""What tests of several rooms share: feeds, fake servers, one processor without servers, waiting."""
