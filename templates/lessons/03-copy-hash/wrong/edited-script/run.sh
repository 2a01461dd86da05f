#!/bin/sh
echo running fast
