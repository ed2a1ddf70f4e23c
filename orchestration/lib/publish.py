def publish_marts(settings):
    return None
