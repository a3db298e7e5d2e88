"""The REST API of the inventory: serializers and viewsets over the pages' querysets and rules."""
