"""A log → what a browser shows of it: a tab of TensorBoard, a page, a notebook's cell."""
