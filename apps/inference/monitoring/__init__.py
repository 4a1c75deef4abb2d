"""What deployments are asked, how they answer, and how far that has drifted from what they were validated on."""
