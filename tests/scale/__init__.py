"""Several replicas over one store, behind a real nginx, in front of one upstream that counts its effects."""
