"""What people look at pictures with; `make viewers` runs these."""
