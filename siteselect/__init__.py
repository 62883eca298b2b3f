"""Choose data-center sites from map layers, with a proof."""
