"""Single sign-on: an operator's identity provider says who somebody is (OpenID Connect, authorization code flow)."""
