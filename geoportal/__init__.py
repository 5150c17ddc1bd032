"""The Django project and public site of the geoportal of Cremona, and what its two device domains share."""
