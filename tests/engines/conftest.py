"""Servers that several modules share."""

from tests.services.ray import ray_cluster

__all__ = ["ray_cluster"]
