"""As a viewer, who may also write."""

from tests.hostile.viewer_token.conftest import Viewer, viewer

__all__ = ["Viewer", "viewer"]
