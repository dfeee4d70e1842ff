"""The story of a run: what is worth telling, in the order of a good case, with nothing said that no finding says."""

from crmlab.story.scenes import Scene, Story
from crmlab.story.telling import tell

__all__ = ["Scene", "Story", "tell"]
