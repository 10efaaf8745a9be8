"""What both local CRMs need: serving an application, reading a sample world."""
